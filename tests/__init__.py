"""Tests: real parts, few and strong; they mirror the two packages."""
