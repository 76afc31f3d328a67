"""The version of the pure rules: what is flagged, how answers are compared, what a plan must be.

It goes up whenever one of them decides differently. A log says under which rules it was made, so
that a replay can tell what today's would decide differently from a log that was tampered with.
"""

RULES = 5
"""1: release 0.1.0. 2: failures that the same request must give again end their step;
a plan may name the `context`; credentials that a reply spells with escapes are taken out of what is
read; a text of more than 2 MB is not read; a step's texts have a limit; a tool is spelt as the CLI
offers it. 3: a vote whose answers disagree goes on with the samples of its retries, and then waits
for the user; answers are compared by what their declared fields mean; a reply that is read by
guessing, or did not stop at its end, is flagged also where nobody votes; only what stands beside an
answer makes it too long; `cannot` counts beside other fields; the planner is asked again where a
step cannot be done; what speaks against an answer that can be read counts (`reading/doubts.py`);
a plan does not vote on free text alone. 4: answers are held to evidence, and programs must accept
them; the planner may decline, and ask; a program decides by a mapping of targets, and a repeated
step that runs out may go on; types may be spelled as in other languages, and a plan needs no
reasoning; items with effects are worked on one after another. 5: a decision has inputs, and its
text names none but its targets; what a step is told to use or read, and lacks, is a warning."""
