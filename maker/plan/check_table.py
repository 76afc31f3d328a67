"""Every check of a plan, in one table: its name, what finds it, how the planner is taught it
beforehand (`teach`), and how a defect is mended (`fix`). Nothing here runs a check.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from maker.plan import data_checks, flow_checks, shape_checks, text_checks
from maker.plan.findings import Finder, Finding
from maker.plan.plan_view import PlanView

Severity = Literal["error", "warning"]


class Check(Struct, frozen=True, kw_only=True):
    """One rule of a plan."""

    name: str
    find: Finder
    teach: str
    fix: str
    severity: Severity = "error"


def _by_the_parser(_: PlanView) -> Iterator[Finding]:
    """Nothing: what this rule forbids never becomes a Plan."""
    return iter(())


PARSE = Check(
    name="parse",
    find=_by_the_parser,
    teach="Reply with one YAML mapping (`reasoning`, `plan`) and nothing else; put every "
    "description and instruction into a `|` block, because colons, `#` and quotes break or cut "
    "plain YAML text.",
    fix="Write the whole plan as one YAML mapping with `reasoning` and `plan`, free texts as `|` "
    "blocks, without comments, anchors or text around it.",
)
FIELDS = Check(
    name="fields",
    find=_by_the_parser,
    teach="Every step has `step`, `task_type`, `title`, `task_description`, `output_schema` (not "
    "if conditional) and `next_step_sequence_number`, each of its type.",
    fix="Give the field a value of the type that the format names.",
)

CHECKS: tuple[Check, ...] = (
    PARSE,
    FIELDS,
    Check(
        name="reasoning",
        find=shape_checks.reasoning,
        severity="warning",
        teach="`reasoning` says in one or two sentences how you divided the work.",
        fix="Say in one or two sentences how the work was divided.",
    ),
    Check(
        name="step-count",
        find=flow_checks.step_count,
        teach=f"A plan has 1 to {flow_checks.MOST_STEPS} steps.",
        fix="Use for_each for work on many things, and one step where one is enough.",
    ),
    Check(
        name="step-numbers",
        find=shape_checks.step_numbers,
        teach="Steps are numbered 0, 1, 2, ... in order.",
        fix="Number the steps 0, 1, 2, ... in order, and adapt what refers to them.",
    ),
    Check(
        name="task-type",
        find=shape_checks.task_type,
        teach="`task_type` is action_step or conditional_step.",
        fix="Use action_step for work, conditional_step for a decision where to go on.",
    ),
    Check(
        name="text",
        find=shape_checks.text,
        teach="`title` and `task_description` are not empty.",
        fix="Say what the step is, completely: its agent sees nothing else. What is longer than a "
        "prompt belongs into a file that the step reads.",
    ),
    Check(
        name="known-tools",
        find=shape_checks.known_tools,
        teach="Tools are named exactly as listed. Thinking, comparing and writing an answer need "
        "none.",
        fix="Name a tool of the list exactly, or none where the step only thinks.",
    ),
    Check(
        name="disjoint-tools",
        find=shape_checks.disjoint_tools,
        teach="A fallback is no primary tool.",
        fix="Remove the tool from one of the lists.",
    ),
    Check(
        name="conditional",
        find=shape_checks.conditional,
        teach="A conditional step has inputs, no tools, for_each or repeat, and "
        "-2 as next step: it decides from its inputs alone, so that it can be voted on.",
        fix="Let an action step before it do the work; the conditional step only decides, with -2, "
        "from that step's output among its input_variables.",
    ),
    Check(
        name="action-next",
        find=shape_checks.action_next,
        teach="An action step has neither -2 nor `targets`.",
        fix="Give the number of the step that follows, or -1; or make it a conditional_step.",
    ),
    Check(
        name="next-exists",
        find=flow_checks.next_exists,
        teach="`next_step_sequence_number` is a later step's number, or -1 to end the run.",
        fix="Give the number of a step of the plan, or -1 if the run ends here.",
    ),
    Check(
        name="targets",
        find=flow_checks.targets,
        teach="`targets` lists each step (or -1) that the conditional step may choose; its "
        "task_description says which number to answer when.",
        fix="List at least one existing step, or -1, each once.",
    ),
    Check(
        name="targets-in-text",
        find=text_checks.targets_in_text,
        teach="Its text names no other.",
        fix="Put the step into `targets`, or name one of them in the task_description.",
    ),
    Check(
        name="branches",
        find=data_checks.branches,
        teach="By one bool or enumeration input let the program decide, exact and free: "
        "`targets: {true: 3, false: 4}` has a step for each value.",
        fix="Give the step one input that is declared bool or an enumeration, and each of its "
        "values a step; or list the steps and let an agent decide.",
    ),
    Check(
        name="forward",
        find=flow_checks.forward,
        teach="Steps lead forward only: `repeat` works in passes, `for_each` on a list.",
        fix="Lead to a later step or -1. To do a step again, give it `repeat`.",
    ),
    Check(
        name="reachable",
        find=flow_checks.reachable,
        teach="Every step can be reached from step 0; branches merge by leading to the same step.",
        fix="Let an earlier step lead here (next_step_sequence_number or targets), or remove it.",
    ),
    Check(
        name="ends",
        find=flow_checks.ends,
        teach="Each step has a way to -1.",
        fix="Let the last step of each branch lead to -1.",
    ),
    Check(
        name="final-output",
        find=flow_checks.final_output,
        teach="The run ends with an action step (-1), whose output is the answer to the user.",
        fix="End with an action step whose output is the answer and whose next step is -1.",
    ),
    Check(
        name="output-variable",
        find=shape_checks.output_variable,
        teach="`output_variable` of step N is step_N_output (or leave it out).",
        fix="Write step_N_output with the step's own number.",
    ),
    Check(
        name="schema",
        find=data_checks.schema,
        teach="`output_schema` is a mapping with at least one field, in the schema language, in "
        "quotes. Prefer bool, int and enumerations.",
        fix='Write for example "{found: bool, paths: [string], kind: bug|feature, note: string?}".',
    ),
    Check(
        name="inputs",
        find=data_checks.inputs,
        teach="`input_variables` name fields that a step before this one declares, as in "
        "step_0_output.paths. The output of a for_each step is a list, and a path maps over it; "
        "a skipped step's is null.",
        fix="Name a field that an earlier step on the way declares, or declare it there.",
    ),
    Check(
        name="context",
        find=data_checks.context,
        severity="warning",
        teach="Data that came with the instruction is the input variable `context`, one text.",
        fix="Name `context` in the input_variables of each step that works on the data.",
    ),
    Check(
        name="for-each",
        find=data_checks.for_each,
        teach="`for_each` is the path of a list from an earlier step; the step runs once per item "
        "and sees it as `item`. Its output_schema describes one item's answer. Not with repeat.",
        fix="Give the path of a field declared [T] by an earlier step; for_each or repeat, "
        "not both.",
    ),
    Check(
        name="repeat",
        find=data_checks.repeat,
        teach="`repeat: {until: done, max_iterations: 20}` runs the step again, with its last "
        "output, until that bool field of its own output is true; at most "
        f"max_iterations (1 to {data_checks.MOST_ITERATIONS}) times; then the plan goes on with it "
        "false, unless on_exhausted: fail.",
        fix="Name a bool field of the step's own output_schema, and a bound it can end within.",
    ),
    Check(
        name="vote-on",
        find=data_checks.vote_on,
        teach="`vote_on` lists fields of the step's own output (a conditional step's: next_step).",
        fix="Name fields that the step's own output_schema declares, one of them short and exact: "
        "a bool, int, enumeration, name or path; or leave vote_on out.",
    ),
    Check(
        name="model",
        find=shape_checks.model,
        teach="`model` is one of those listed below, if any.",
        fix="Leave `model` out, or name one that the user allowed (--models).",
    ),
    Check(
        name="effect",
        find=shape_checks.effect,
        teach="`effect` (pure, read, web, write, external) is never weaker than the tools' own.",
        fix="Leave `effect` out: it follows from the tools.",
    ),
    Check(
        name="accept",
        find=shape_checks.accept,
        teach="`accept` lists shell commands that must exit with 0 for an answer (JSON on stdin) "
        "to count: only checks that the instruction names.",
        fix="Give at most 10 commands, each on one line, or leave `accept` out.",
    ),
    Check(
        name="fidelity",
        find=data_checks.fidelity,
        severity="warning",
        teach="Every URL, path, quoted text and number of the instruction stands word for word in "
        "a step that needs it.",
        fix="Copy it word for word into the task_description of the step that needs it.",
    ),
    Check(
        name="self-contained",
        find=text_checks.self_contained,
        severity="warning",
        teach='A task_description never says "the previous step" or "as above": name the '
        "input instead.",
        fix="Name the input variable, or repeat what is meant; a for_each step says what to do "
        "with its item.",
    ),
    Check(
        name="tools-in-text",
        find=text_checks.tools_in_text,
        severity="warning",
        teach="Texts name only the step's tools.",
        fix="Give the step the tool, or say how to do it with those that it has.",
    ),
    Check(
        name="used-outputs",
        find=data_checks.used_outputs,
        severity="warning",
        teach="What a step finds out, a later step reads.",
        fix="Name its output in the input_variables of the step that needs it, or remove it.",
    ),
)
