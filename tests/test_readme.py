"""The README says what the code says: its tables are those of the settings, the exit statuses and the import floors."""

from __future__ import annotations

import re
from pathlib import Path

from pool.cli import VERBS
from pool.config import SECTIONS, SETTINGS
from pool.exit_status import ExitStatus

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings_table() -> str:
    lines = ["| setting | default | what |", "|---|---|---|"]
    for section in SECTIONS:
        lines.append(f"| **{section}** | | |")
        for row in SETTINGS:
            if row.section == section:
                flags = ", ".join(f"`{flag}`" for flag in reversed(row.flags))
                default = f"`{row.default}`" if row.default else ""
                lines.append(f"| {flags} | {default} | {row.help.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def exit_status_table() -> str:
    return "\n".join(["| status | meaning |", "|---|---|", *(f"| {int(s)} | {s.help} |" for s in ExitStatus)])


def test_the_settings_are_those_of_the_table() -> None:
    assert settings_table() in README, f"put this into README.md:\n{settings_table()}"


def test_the_exit_statuses_are_those_of_the_table() -> None:
    assert exit_status_table() in README, f"put this into README.md:\n{exit_status_table()}"


def test_every_verb_is_mentioned() -> None:
    assert all(f"ulpool {verb}" in README for verb in VERBS)


def test_every_make_target_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)", README))
    assert {"serve", "test", "bench"} <= named
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_the_map_of_pool_has_every_module_once() -> None:
    table = README[README.index("| who looks for |") : README.index("MIT licence")]
    named = re.findall(r"`([a-z_]+)/?`", table)
    modules = {
        path.stem for path in (ROOT / "pool").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert sorted(named) == sorted(modules - {"__init__", "__main__"})
