"""Logs, health and metrics: how operators see the hub, without seeing a person."""
