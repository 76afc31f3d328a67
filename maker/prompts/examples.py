"""The two plans that the planner's prompt shows; a test validates them."""

from __future__ import annotations

ONE_STEP = """\
reasoning: |
  One look into one file answers this, so one step is enough.
plan:
  - step: 0
    task_type: action_step
    title: Find the Python version
    task_description: |
      Read pyproject.toml in the working folder and find which Python versions it asks for.
    primary_tools: [Read]
    primary_tool_instructions: |
      Read the whole file pyproject.toml.
    output_schema: "{requires_python: string}"
    next_step_sequence_number: -1
    vote_on: [requires_python]
"""

BRANCH = """\
reasoning: |
  Files are listed once and judged one by one, so that each judgement can be voted on; advice is
  written only if something was found.
plan:
  - step: 0
    task_type: action_step
    title: List the route files
    task_description: |
      List every Python file below src/routes that registers a route.
    primary_tools: [Grep]
    fallback_tools: [Glob, Read]
    primary_tool_instructions: |
      Search src/routes for "@router".
    fallback_tool_instructions: |
      List src/routes/**/*.py and read each file.
    output_schema: "{files: [path]}"
    next_step_sequence_number: 1
    vote_on: [files]
  - step: 1
    task_type: action_step
    title: Judge one route file
    task_description: |
      Read the file named by the item. A route lacks auth if neither it nor its router depends on
      "require_user". Name the file, say whether it has such a route, and which ones.
    primary_tools: [Read]
    output_schema: "{file: path, lacks_auth: bool, routes: [quote of file]}"
    for_each: step_0_output.files
    next_step_sequence_number: 2
    vote_on: [lacks_auth]
  - step: 2
    task_type: conditional_step
    title: Is there anything to advise on?
    task_description: |
      If any value of lacks_auth is true, next_step is 3. Otherwise it is 4.
    input_variables: [step_1_output.lacks_auth]
    next_step_sequence_number: -2
    targets: [3, 4]
    vote_on: [next_step]
  - step: 3
    task_type: action_step
    title: Advise on the missing checks
    task_description: |
      For each route listed as lacking auth, write one sentence on how to add "require_user".
    input_variables: [step_1_output]
    output_schema: "{advice: [{route: string, advice: string}]}"
    next_step_sequence_number: 4
  - step: 4
    task_type: action_step
    title: Write the report
    task_description: |
      Write a Markdown table of all files with their routes that lack auth, and the advice for
      each route. Without advice (null), say that every route is protected.
    input_variables: [step_1_output, step_3_output.advice]
    output_schema: "{report: string}"
    next_step_sequence_number: -1
"""
