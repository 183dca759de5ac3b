-- Parts that hold half a gigabyte are merged no further, so that what a row costs does not grow with
-- how many there are: it is written three times and not again each time the day has doubled.
ALTER TABLE spans MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 536870912;
ALTER TABLE trace_times MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 536870912;
ALTER TABLE logs MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 536870912;
ALTER TABLE samples MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 536870912;
ALTER TABLE histograms MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 536870912;
ALTER TABLE prom_samples MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 536870912;
