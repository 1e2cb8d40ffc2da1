"""HTML documents that open from a file, offline: a comparison, a survey."""
