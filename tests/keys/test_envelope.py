"""Key-encryption keys as operators write them."""

import pytest

from keys import KeySet, Policy, new_kek, parse_kek

SECRET = bytes(range(224, 256))


@pytest.mark.parametrize(
    "text",
    [
        SECRET.hex(),
        SECRET.hex().upper(),
        "4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8",
        "4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8=",
        "  4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8\n",
    ],
)
def test_both_spellings_are_read(text):
    assert SECRET == parse_kek(text)


@pytest.mark.parametrize("text", ["", "change-me", "00" * 31, "zz" * 32, "A" * 42, "A" * 44, "ø" * 43, "4OHi4+Tl" * 5])
def test_anything_else_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match="32 random bytes as base64url") as refusal:
        parse_kek(text)

    assert not text or text not in str(refusal.value)


def test_new_kek_is_read_back_and_never_the_same():
    first, second = new_kek(), new_kek()

    assert first != second
    assert 32 == len(parse_kek(first)) == len(parse_kek(second))


@pytest.mark.parametrize("keks", [[], [b"short"], [SECRET, b""]])
def test_key_set_refuses_to_start_with_a_bad_kek(keks):
    with pytest.raises(ValueError, match="key-encryption key"):
        KeySet(lambda: None, keks, Policy())
