"""The name under which `Orchestrator` was first known."""

from maker.engine.orchestrator import Orchestrator as Orchestrator
