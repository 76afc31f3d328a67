"""The name under which `AgentRunner` was first known."""

from maker.agents.runner import AgentRunner as AgentRunner
