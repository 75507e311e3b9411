"""Lines of a Dockerfile applied to a configuration."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.errors import InvalidInput
from wirt.image.changes import apply_changes
from wirt.image.words import expand, split
from wirt.model.guest import HealthCheck
from wirt.model.image import ImageConfig

BASE = ImageConfig(env=("PATH=/bin", "HOME=/root"), command=("old",), workdir="/srv", labels={"a": "1"})


def change(*lines: str, base: ImageConfig = BASE) -> ImageConfig:
    return apply_changes(base, lines)


def test_command_is_a_list_or_a_line_for_the_shell() -> None:
    assert change('CMD ["a", "b c"]').command == ("a", "b c")
    assert change("cmd echo $HOME").command == ("/bin/sh", "-c", "echo $HOME")
    assert change('SHELL ["/bin/bash","-c"]', "CMD x").command == ("/bin/bash", "-c", "x")
    assert change("CMD [not json").command == ("/bin/sh", "-c", "[not json")
    assert change("CMD []").command == ()


def test_entrypoint_forgets_the_command_that_was_not_meant_for_it() -> None:
    assert change('ENTRYPOINT ["e"]').command == ()
    assert change('CMD ["c"]', 'ENTRYPOINT ["e"]').command == ("c",)
    assert change('ENTRYPOINT ["e"]', 'CMD ["c"]').entrypoint == ("e",)


def test_env_replaces_in_place_and_knows_earlier_ones() -> None:
    assert change("ENV PATH=$PATH:/opt NEW='a b' C=${HOME}/x").env == (
        "PATH=/bin:/opt",
        "HOME=/root",
        "NEW=a b",
        "C=/root/x",
    )
    assert change("ENV OLD a  value\twith blanks").env[-1] == "OLD=a  value\twith blanks"
    assert change(r"ENV A=b\ c").env[-1] == "A=b c"
    assert change("ENV E=").env[-1] == "E="


def test_other_instructions() -> None:
    changed = change(
        'LABEL b="2 3" a=x', "USER 1000:1000", "WORKDIR sub/../dir", "EXPOSE 80 53/UDP 8000-8002",
        'VOLUME ["/data", "/with space"]', "VOLUME /v /w", "STOPSIGNAL SIGINT", "ONBUILD RUN make",
    )  # fmt: skip
    assert changed.labels == {"a": "x", "b": "2 3"}
    assert changed.user == "1000:1000"
    assert changed.workdir == "/srv/dir"
    assert changed.exposed_ports == ("80/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp")
    assert changed.volumes == ("/data", "/with space", "/v", "/w")
    assert changed.stop_signal == "SIGINT"
    assert changed.on_build == ("RUN make",)
    assert change("WORKDIR /abs").workdir == "/abs"
    assert change("WORKDIR x", base=ImageConfig()).workdir == "/x"


def test_healthcheck_takes_options_and_both_forms() -> None:
    line = "HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=2s --retries=5 CMD curl -f http://localhost/"
    expected = HealthCheck(("CMD-SHELL", "curl -f http://localhost/"), 90.0, 0.5, 5, 2.0)
    assert change(line).healthcheck == expected
    assert change('HEALTHCHECK CMD ["true"]').healthcheck == HealthCheck(("CMD", "true"))
    assert change("HEALTHCHECK NONE").healthcheck == HealthCheck(("NONE",))


@pytest.mark.parametrize(
    "line",
    ["", "RUN make", "CMD", "ENV", "ENV lonely", "ENV A=b c", "ENV =x", "EXPOSE http", "EXPOSE 0", "EXPOSE 70000",
     "EXPOSE 9-8", "EXPOSE 80/icmp", "HEALTHCHECK", "HEALTHCHECK true", "HEALTHCHECK CMD", "HEALTHCHECK --x=1 CMD a",
     "HEALTHCHECK --interval=soon CMD a", "HEALTHCHECK --retries=-1 CMD a", "SHELL bash", "USER 'open", "LABEL a=${b",
     'VOLUME [""]', "ONBUILD ONBUILD RUN x", "NOTHING at all"],
)  # fmt: skip
def test_wrong_changes_are_named(line: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        change(line)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "word"),
    [("a'b c'd", "ab cd"), ('"$X"', "value"), ("'$X'", "$X"), (r"\$X", "$X"), ("${X:-no}", "value"), ("${Y:-no}", "no"),
     ("${X:+yes}", "yes"), ("${Y:+yes}", ""), ("$", "$"), ("$Y.", "."), (r'"a\nb"', r"a\nb"), (r'"\""', '"'),
     ("a\\", "a\\")],
)  # fmt: skip
def test_expand_follows_the_shell(text: str, word: str) -> None:
    assert expand(text, {"X": "value"}) == word


@given(st.lists(st.text(st.characters(blacklist_characters="'", blacklist_categories=("Cs",)))))
def test_split_gives_back_what_single_quotes_hold(words: list[str]) -> None:
    assert split(" ".join(f"'{word}'" for word in words), {}) == words


@given(st.text(max_size=60))
def test_any_line_is_a_change_or_an_error(line: str) -> None:
    for name in ("", "ENV ", "LABEL ", "EXPOSE ", "HEALTHCHECK ", "VOLUME "):
        with contextlib.suppress(InvalidInput):
            change(name + line)
