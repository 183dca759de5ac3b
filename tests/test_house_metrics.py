"""Our own figures in the Prometheus text format."""

import pytest

from quarterdeck.core.metrics import Registry, Sample


def test_a_counter_is_written_with_its_help_type_and_labels() -> None:
    registry = Registry()
    refused = registry.counter("refused_total", "Refused items.", ("reason",))
    refused.add(2, "too_large")
    refused.add(1, 'a"b\\c\nd')
    assert registry.render() == (
        "# HELP refused_total Refused items.\n"
        "# TYPE refused_total counter\n"
        'refused_total{reason="too_large"} 2\n'
        'refused_total{reason="a\\"b\\\\c\\nd"} 1\n'
    )


def test_a_histogram_counts_cumulatively() -> None:
    registry = Registry()
    seconds = registry.histogram("seconds", "Time.", ("route",))
    for value in (0.003, 0.005, 0.02, 99):
        seconds.observe(value, "/a")
    text = registry.render()
    assert 'seconds_bucket{route="/a",le="0.005"} 2' in text
    assert 'seconds_bucket{route="/a",le="0.025"} 3' in text
    assert 'seconds_bucket{route="/a",le="+Inf"} 4' in text
    assert 'seconds_sum{route="/a"} 99.028' in text
    assert 'seconds_count{route="/a"} 4' in text


def test_a_metric_is_found_again_by_its_name_but_never_changed() -> None:
    registry = Registry()
    assert registry.counter("a", "A.") is registry.counter("a", "A.")
    with pytest.raises(ValueError, match="already exists"):
        registry.gauge("a", "A.")


def test_a_callback_is_asked_at_every_scrape_and_its_samples_stand_together() -> None:
    registry = Registry()
    registry.collect(lambda: [Sample("b", "B.", "gauge", 1), Sample("c", "C.", "gauge", 2.5)])
    registry.collect(lambda: [Sample("b", "B.", "gauge", 3, (("x", "y"),))])
    assert registry.render() == (
        '# HELP b B.\n# TYPE b gauge\nb 1\nb{x="y"} 3\n# HELP c C.\n# TYPE c gauge\nc 2.5\n'
    )
