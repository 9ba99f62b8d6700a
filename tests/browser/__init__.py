"""The citizen's pages in a real browser; skipped where there is none."""
