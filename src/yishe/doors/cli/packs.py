"""yishe pack check | test | schema | explain | forecast | switch-on. Without PATH the packs of YISHE_PACKS are meant."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from yishe.doors.cli import arguments, pack_load
from yishe.doors.cli.printing import remark, result
from yishe.policy import pack_cases, pack_explain, pack_schema, packs
from yishe.policy.pack_errors import PackErrors
from yishe.policy.refusals import Invalid

HEAD = "pack.yaml"


def register(commands: Any) -> None:
    acts = commands.add_parser("pack", help="policy packs").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    for name, run, told in (
        ("check", check, "read and check everything, report all mistakes with file and line"),
        ("test", test, "run the packs' own cases"),
        ("schema", schema, "print the JSON Schema of pack files, for editors"),
        ("explain", explain, "say in words what the packs declare, or one kind, reason or rule of them"),
    ):
        act = acts.add_parser(name, help=told)
        act.add_argument("path", nargs="*", metavar="PATH")
        act.add_argument("--json", action="store_true")
        act.set_defaults(run=run)
        if name == "explain":
            act.add_argument("--on", type=arguments.day, metavar="DATE")
    pack_load.register(acts)


def check(args: argparse.Namespace) -> int:
    """Exit 1 with every mistake when the packs, or their cases, do not hold."""
    checked, problems = [], []
    for layers in _stacks(args.path):
        try:
            found = packs.load(layers)
            problems += [str(problem) for problem in pack_cases.check(layers)]
            checked.append({"id": found.id, "version": found.version, "sha256": found.sha256})
        except PackErrors as broken:
            problems += [str(problem) for problem in broken.problems]
    problems = list(dict.fromkeys(problems))
    lines = [f"{one['id']} {one['version']}：读过，{one['sha256'][:12]}" for one in checked]
    lines.append(f"共 {len(problems)} 处错误，见上。" if problems else "政策包无误。")
    for problem in problems:
        remark(problem)
    result({"ok": not problems, "packs": checked, "problems": problems}, "\n".join(lines), as_json=args.json)
    return 1 if problems else 0


def test(args: argparse.Namespace) -> int:
    """Exit 1 when a case comes out otherwise, or there is none at all."""
    results = [one for layers in _stacks(args.path) for one in pack_cases.run(layers)]
    wrong = list(dict.fromkeys(str(one) for one in results if not one.ok))
    for one in wrong:
        remark(one)
    data = {"ok": bool(results) and not wrong, "cases": len(results), "failed": len(wrong), "wrong": wrong}
    text = (
        f"{len(results)} 个用例，{len(wrong)} 个不符。" if results else "没有任何用例：每条规则都应带用例。"
    )
    result(data, text, as_json=args.json)
    return 0 if data["ok"] else 1


def schema(args: argparse.Namespace) -> int:
    """File name in a pack folder → its JSON Schema; PATH narrows to files whose name holds it, or that it is."""
    every = pack_schema.json_schema()
    narrow = [path for path in args.path if not Path(path).is_dir()]
    found = {name: every[name] for path in narrow for name in _files_like(path, every)} if narrow else every
    if not found:
        raise Invalid("no_schema", f"没有这种政策包文件；可用：{'、'.join(every)}")
    result(found, "", as_json=True)
    return 0


def _files_like(path: str, names: Iterable[str]) -> list[str]:
    """The kinds of file a path may mean: by its own name, else by the folder it lies in."""
    own = Path(path)
    exact = [name for name in names if own.name in name]
    return exact or [name for name in names if name.startswith(f"{own.parent.name}/<")]


def explain(args: argparse.Namespace) -> int:
    """PATH may be pack folders or files in them, and a name: a kind, `kind/reason`, a reason or a rule."""
    folders = [path for path in args.path if Path(path).exists()]
    names = [path for path in args.path if path not in folders]
    names += [Path(path).stem for path in folders if Path(path).parent.name == "loops"]
    texts = [
        pack_explain.explain(layers, name, args.on) for layers in _stacks(folders) for name in names or [""]
    ]
    result({"text": texts}, "\n\n".join(texts), as_json=args.json)
    return 0


def _around(path: Path) -> Path | None:
    """The pack that an existing path is, or lies in."""
    within = (
        [folder for folder in (path, *path.resolve().parents) if (folder / HEAD).is_file()]
        if path.exists()
        else []
    )
    return within[0] if within else None


def _stacks(paths: Sequence[str]) -> list[list[Path]]:
    """The packs to read together. A folder of pack folders stands for each of them in turn, a file or folder
    inside a pack for that pack."""
    if not paths:
        return [list(settings.PACKS)]
    stacks: list[list[Path]] = [[]]
    for path in map(Path, paths):
        inside = sorted(head.parent for head in path.glob(f"*/{HEAD}"))
        around = _around(path)
        if around is not None:
            stacks[0] += [around] if around not in stacks[0] else []
        elif inside:
            stacks += [[pack] for pack in inside]
        else:
            raise Invalid("no_pack", f"{path} 不是政策包：应为含有 {HEAD} 的文件夹。")
    return [stack for stack in stacks if stack]
