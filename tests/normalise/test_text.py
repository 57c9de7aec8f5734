"""Plain text out of HTML, and text without case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topologies.normalise.text import fold, html_parts, html_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("<p>one<br>two<br />three</p>", "one\ntwo\nthree"),
        ("<p>it&#39;s &lt;b&gt; &amp;amp; &quot;x&quot;</p>", 'it\'s <b> &amp; "x"'),
        ("<p>ac<b>me</b></p>", "acme"),
        ('<span class="invisible">https://www.</span><span>a.example/b</span>', "https://www.a.example/b"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<p>a <script>alert(1)</script>b<style>p{}</style></p>", "a b"),
        ("<p>a\0b</p>", "ab"),
        ("<blockquote>q</blockquote>after", "q\nafter"),
        ("a < b", "a < b"),
        ("&nbsp;x", "x"),
        ("<frameset>", ""),
        ("<p>unclosed <b>text", "unclosed text"),
    ],
)
def test_html_becomes_what_a_reader_sees(html: str, text: str) -> None:
    assert html_text(html) == text


def test_links_are_told_beside_the_text() -> None:
    assert html_parts('<a href="https://a.example/?b&amp;c">x</a> <a>y</a> <a href>z</a> <a href="#">w</a>') == (
        "x y z w",
        ["https://a.example/?b&c", "#"],
    )


@pytest.mark.parametrize(
    "tag", ["<div>", "<b>", "<table>", "<a href='x'>", "<p><b>", "<", "<!--", "&", "&nbsp;", " \n<i>"]
)
def test_html_without_end_is_read_in_no_time(tag: str) -> None:
    text, _ = html_parts(tag * (900_000 // len(tag)) + "acme<p>&amp;</p>")
    assert "acme" in text or tag == "<!--"
    deep, links = html_parts("<ul><li>" * 600 + 'it&#39;s <a HREF="https://acme.example/?a&amp;b">us</a>')
    assert (deep, links) == ("it's us", ["https://acme.example/?a&b"])


PLAIN = st.one_of(
    st.sampled_from(
        ["<p>", "</p>", "<br>", "<br />", "<b>", "</b>", '<span class="a">', "</span>", "</a>", "<li>", "\n", "<pre>"]
    ),
    st.sampled_from(
        ['<a href="https://a.example/?b&amp;c" rel="x">', "&amp;", "&lt;", "&#39;", "&eacute;", "&", "&copy", "&#0;"]
    ),
    st.text(max_size=5).map(lambda text: text.replace("<", "").replace("\r", "").replace("\0", "")),
)


@given(st.lists(PLAIN, max_size=12).map("".join))
def test_tags_that_servers_let_through_are_cut_out_as_a_parser_would(html: str) -> None:
    # A comment makes a parser necessary, and says nothing.
    assert html_text(html) == html_text(f"{html}<!-- -->")


@given(st.text())
def test_any_text_is_read_as_html(html: str) -> None:
    text, links = html_parts(html)
    assert text == text.strip()
    assert all(isinstance(link, str) for link in links)
    assert "<script" not in html_text(f"{html.replace('<', '')}<script>x</script>")


@given(st.text())
def test_folding_is_done_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(codec="ascii")))
def test_folding_plain_letters_makes_them_small(text: str) -> None:
    assert fold(text) == text.lower()


@given(st.text(), st.text(), st.text())
def test_a_part_folds_as_the_whole_does(before: str, part: str, after: str) -> None:
    plain = [text for text in (before, part, after) if not any("\u0300" <= letter <= "\u036f" for letter in text)]
    assert fold("".join(plain)) == "".join(map(fold, plain))
