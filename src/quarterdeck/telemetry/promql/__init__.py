"""PromQL: parsed by `promql-parser`, evaluated here over series that a `Source` hands out."""
