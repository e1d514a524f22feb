"""From video files to sampling decisions, in one process and as a stream."""
