"""The name under which `PlannerModule` was first known."""

from maker.engine.planner import PlannerModule as PlannerModule
