"""Why a scrape brought nothing; the text is for the page of targets and repeats no answer."""


class ScrapeFailed(Exception):
    """A target whose `up` is 0, and why."""
