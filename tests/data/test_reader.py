"""Reading delimited text: rightly, or refused with the place and the repair."""

import bz2
import gzip
import io
import json
import lzma
import resource
import time
import tracemalloc

import numpy as np
import pytest

from chainrule.data import Limits, read_blocks, read_table
from chainrule.errors import ArgumentError, DataError


def rows(table):
    return [[table[name].text(i) for name in table.names] for i in range(len(table))]


class TestForms:
    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    def test_the_delimiter_is_found(self, write, mark):
        table = read_table(write(f"a{mark}b\n1{mark}x y\n"))
        assert table.names == ["a", "b"]
        assert rows(table) == [["1", "x y"]]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("last", [True, False])
    def test_line_ends(self, write, end, last):
        text = end.join(["a,b", "1,2", '3,"4"']) + end * last
        assert rows(read_table(write(text))) == [["1", "2"], ["3", "4"]]

    def test_a_tab_wins_over_commas_within_cells(self, write):
        table = read_table(write("a\tb, or c\n1\tx, y\n"))
        assert rows(table) == [["1", "x, y"]]

    def test_two_even_delimiters_are_not_guessed(self, write):
        path = write("1,5;2,25\n3,0;4,75\n")
        with pytest.raises(DataError, match=r"comma \(3 columns\) and semicolon \(2 columns\)"):
            read_table(path)
        assert len(read_table(path, delimiter=";").names) == 2

    def test_one_column(self, write):
        table = read_table(write("x\n1\n2\n"))
        assert table["x"].numbers().tolist() == [1, 2]

    def test_spaces_around_cells_are_dropped(self, write):
        assert rows(read_table(write("a, b\n1 ,  x \n2, x\n"))) == [["1", "x"], ["2", "x"]]

    def test_quoted_cells_hold_delimiters_quotes_and_line_breaks(self, write):
        table = read_table(write('a,b\n"x, ""y""\nz",2\n3,4\n'))
        assert rows(table) == [['x, "y"\nz', "2"], ["3", "4"]]
        assert table.lines.tolist() == [2, 4]

    def test_quotes_can_be_characters(self, write):
        path = write('a\tb\n"hello" he said\t1\n')
        with pytest.raises(DataError, match=r"row 2: .*quotes=False"):
            read_table(path)
        assert rows(read_table(path, quotes=False)) == [['"hello" he said', "1"]]

    def test_blank_lines_are_skipped_but_counted(self, write):
        table = read_table(write("\n\na,b\n1,2\n  \n\n3,4\n"))
        assert table.lines.tolist() == [4, 7]

    def test_decimal_comma(self, write):
        table = read_table(write("x;y\n1,5;a,b\n-,25;2,5 kg\n"), delimiter=";", decimal=",")
        assert table["x"].numbers().tolist() == [1.5, -0.25]
        assert table["y"].text(1) == "2,5 kg"

    def test_standard_input(self, monkeypatch):
        stdin = io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n"))
        monkeypatch.setattr("sys.stdin", stdin)
        table = read_table("-")
        assert rows(table) == [["1", "2"]]
        assert table.path == "standard input"

    @pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
    def test_compression_is_told_by_the_bytes(self, write, pack):
        assert rows(read_table(write(pack(b"a,b\n1,2\n")))) == [["1", "2"]]

    def test_many_more_rows_than_a_block(self, write):
        body = "".join(f"{i},{i % 7},{i / 7}\n" for i in range(60_000))
        table = read_table(write("i,m,q\n" + body))
        assert np.array_equal(table["i"].numbers(), np.arange(60_000))
        assert np.array_equal(table["m"].numbers(), np.arange(60_000) % 7)
        assert np.array_equal(table["q"].numbers(), np.arange(60_000) / 7)
        assert table["m"].codes.dtype.itemsize == 1
        assert np.array_equal(table.lines, np.arange(2, 60_002))


class TestNames:
    @pytest.mark.parametrize("text", ["1,x\n2,y\n", "x,x\ny,z\n", "a,b\nc,b\n"])
    def test_no_header_is_seen(self, write, text):
        table = read_table(write(text))
        assert table.names == ["column1", "column2"]
        assert "no header" in table.notices[0]
        assert len(table) == 2

    def test_header_can_be_said(self, write):
        path = write("country,1990\nFrance,5\n")
        assert len(read_table(path)) == 2
        assert read_table(path, header=True).names == ["country", "1990"]
        assert read_table(write("a,b\n1,2\n"), header=False).names == ["column1", "column2"]

    def test_names_can_be_given(self, write):
        path = write("a,b\n1,2\n")
        assert len(read_table(path, names=["x", "y"])) == 2
        assert rows(read_table(path, names=["x", "y"], header=True)) == [["1", "2"]]
        with pytest.raises(DataError, match="3 names were given for 2 cells"):
            read_table(path, names=["x", "y", "z"])
        with pytest.raises(DataError, match="duplicate"):
            read_table(path, names=["x", "x"])

    def test_empty_and_double_names_are_mended_with_notice(self, write):
        table = read_table(write(",a,a,a_2,column1\n1,2,3,4,5\n"), header=True)
        assert table.names == ["column1_2", "a", "a_3", "a_2", "column1"]
        assert len(table.notices) == 2

    def test_double_names_above_numbers_are_a_header(self, write):
        assert read_table(write("a,a,b\n1,2,u\n3,4,v\n")).names == ["a", "a_2", "b"]
        assert read_table(write("u,u,b\nu,v,c\nv,v,c\n")).names == ["column1", "column2", "column3"]

    def test_line_breaks_in_a_name_become_spaces(self, write):
        assert read_table(write('"a\n b",c\n1,2\n')).names == ["a b", "c"]

    def test_skipped_rows_keep_the_line_numbers(self, write):
        path = write("| made by hand\na,b\n1,2\n")
        with pytest.raises(DataError, match="skip_rows=1"):
            read_table(path)
        table = read_table(path, skip_rows=1)
        assert table.names == ["a", "b"]
        assert table.lines.tolist() == [3]


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "empty"),
            (b"\n\n", "empty"),
            (b"a,b\n", "no row of data"),
            (b"a,b\n1,2\n1,2,3\n", "row 3: 3 cells where row 1 has 2"),
            (b'a,b\n"1\n2",3\n1\n', "row 4: 1 cell where row 1 has 2"),
            (b"a,b\n1,2\n\xe4,4\n", r"byte 8 \(0xe4\) is not utf-8 text.*latin-1"),
            (b"\xef\xbb\xbfa,b\n\xe4,4\n", r"byte 7 \(0xe4\)"),
            (b"\xff\xfea\0,\0b\0\n\0\x00\xdc1\0", r"byte 10 \(0x00\) is not utf-16"),
            (b"a,b\n1,\0\n", "row 2: holds a NUL"),
            (b'a,b\n1,2\n"1,2\n3,4\n', "row 3: the quotation mark that opens here"),
            (b'a,b\n1,"2"3\n', "row 2: its quotation marks do not match"),
            (b"PK\x03\x04rest", "zip archive"),
            (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "damaged gzip data"),
            (b"\x1f\x8bnonsense", "damaged gzip data"),
            (lzma.compress(b"a,b\n1,2\n" * 99)[:-20], "damaged xz data"),
        ],
    )
    def test_one_clear_line(self, write, content, message):
        path = write(content)
        with pytest.raises(DataError, match=message) as caught:
            read_table(path)
        assert caught.value.path == str(path)
        assert "\n" not in str(caught.value)

    def test_the_byte_is_counted_over_blocks(self, write):
        content = b"a,b\n" + b"1,2\n" * 30_000 + b"\xff,2\n"
        for packed in (content, gzip.compress(content, mtime=0)):
            with pytest.raises(DataError, match="byte 120,004 "):
                read_table(write(packed), limits=Limits(ratio=10_000))

    def test_named_encodings(self, write):
        table = read_table(write("a,b\nä,Ω\n".encode("utf-16")), encoding="utf-16")
        assert rows(table) == [["ä", "Ω"]]
        for pack in (bytes, gzip.compress):  # the mark alone tells
            marked = write(pack("a,b\nä,Ω\n".encode("utf-16")))
            assert rows(read_table(marked)) == [["ä", "Ω"]]
        assert rows(read_table(write(b"a,b\n\xe4,2\n"), encoding="latin-1")) == [["ä", "2"]]
        for name in ("utf-9", "hex"):
            with pytest.raises(DataError, match="no text encoding"):
                read_table(write(b"a,b\n"), encoding=name)

    def test_no_such_file_and_no_file(self, tmp_path):
        with pytest.raises(DataError, match="No such file"):
            read_table(tmp_path / "none.csv")
        with pytest.raises(DataError, match="directory"):
            read_table(tmp_path)
        with pytest.raises(DataError, match="cannot be opened"):
            read_table("a\0b")

    @pytest.mark.parametrize("bad", ["", ",,", '"', "\n"])
    def test_delimiters_are_one_character(self, write, bad):
        with pytest.raises(DataError, match="one character"):
            read_table(write("a,b\n1,2\n"), delimiter=bad)


class TestLimits:
    def test_size(self, write):
        with pytest.raises(DataError, match="larger than 1,000 bytes"):
            read_table(write("a,b\n" + "1,2\n" * 1000), limits=Limits(size=1000))

    def test_line(self, write):
        with pytest.raises(DataError, match=r"row 2: .*more than 100 characters"):
            read_table(write("a,b\n1," + "2" * 1000), limits=Limits(line=100))

    def test_record_of_many_lines(self, write):
        path = write('a,b\n1,2\n3,"' + "x\n" * 1000)
        with pytest.raises(DataError, match="quotation mark left open"):
            read_table(path, limits=Limits(line=100))

    def test_cell(self, write):
        with pytest.raises(DataError, match="row 2: a cell holds more than 10 characters"):
            read_table(write("a,b\n1,12345678901\n"), limits=Limits(cell=10))
        with pytest.raises(DataError, match="row 2: a cell is too long"):
            read_table(write("a,b\n1," + "2" * 200_000))

    def test_columns(self, write):
        with pytest.raises(DataError, match="20,000 columns"):
            read_table(write("," * 19_999 + "\n"))

    @pytest.mark.parametrize(
        ("pack", "line"),
        [
            (gzip.compress, b"0,0\n"),
            (gzip.compress, b"0"),
            (bz2.compress, b"0"),
            (lzma.compress, b"0,0\n"),
        ],
    )
    def test_a_bomb_is_stopped_early(self, write, pack, line):
        path = write(pack(line * (20_000_000 // len(line))))
        tracemalloc.start()
        with pytest.raises(DataError, match=r"expands more than 200 times|runs on for more than"):
            read_table(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100 * 2**20

    def test_an_honest_file_may_be_let_through(self, write):
        path = write(gzip.compress(b"a,b\n" + b"1,2\n" * 300_000, mtime=0))
        with pytest.raises(DataError, match="Limits"):
            read_table(path)
        assert len(read_table(path, limits=Limits(ratio=2000))) == 300_000


class TestBlocks:
    def test_blocks_join_to_the_table(self, write):
        path = write("x,y\n" + "".join(f"{i},{i % 3}\n" for i in range(1000)))
        whole, blocks = read_table(path), list(read_blocks(path, 300))
        assert [len(block) for block in blocks] == [300, 300, 300, 100]
        assert np.array_equal(np.concatenate([b.lines for b in blocks]), whole.lines)
        joined = np.concatenate([block["x"].numbers() for block in blocks])
        assert np.array_equal(joined, whole["x"].numbers())

    def test_rows_are_at_least_one(self, write):
        with pytest.raises(ArgumentError, match="rows"):
            next(read_blocks(write("a\n1\n"), 0))

    def test_memory_does_not_grow_with_the_file(self, write):
        line = "".join(f"{i / 7:.6f}," for i in range(19)) + "word\n"
        peaks = []
        for count in (30_000, 90_000):
            path = write("x" + ",y" * 19 + "\n" + line * count, f"{count}.csv")
            tracemalloc.start()
            total = sum(len(table) for table in read_blocks(path, 5000, header=True))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert total == count
        assert peaks[1] < 1.3 * peaks[0] < 100 * 2**20


class TestRealFiles:
    def test_csv_spectrum(self, shared_data):
        folder = shared_data("odd-files/csv-spectrum")
        for expected in sorted(folder.glob("*.expected.json")):
            table = read_table(folder / expected.name.replace(".expected.json", ".csv"))
            found = [dict(zip(table.names, row, strict=True)) for row in rows(table)]
            wanted = json.loads(expected.read_text("utf-8"))
            # The copies of the files hold LF where the expectations say CRLF.
            plain = [{k: v.replace("\r\n", "\n") for k, v in row.items()} for row in wanted]
            assert found == plain, expected

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("bad.csv", "row 2: 4 cells where row 1 has 3"),
            ("bad_skip_lines.csv", "row 5: 4 cells where row 4 has 3"),
            ("empty.csv", "empty"),
            ("null_byte.csv", "row 2: holds a NUL"),
            ("test_empty_columns.csv", "row 3: 4 cells where row 1 has 5"),
            ("test_empty_columns_long_row.csv", "row 2"),
            ("test_empty_columns_short_row.csv", "row 2"),
            ("test_extra_header.csv", "row 2: 3 cells where row 1 has 4"),
            ("test_latin1.csv", "byte 16 .*latin-1"),
        ],
    )
    def test_csvkit_refused(self, shared_data, name, message):
        with pytest.raises(DataError, match=message):
            read_table(shared_data(f"odd-files/csvkit/{name}"))

    @pytest.mark.parametrize(
        ("name", "names", "expected"),
        [
            ("test_utf8_bom.csv", ["foo", "bar", "baz"], [["1", "2", "3"], ["4", "5", "ʤ"]]),
            ("test_utf16_big.csv", ["a", "b", "c"], [["1", "2", "3"], ["4", "5", "ʤ"]]),
            ("test_utf16_little.csv", ["a", "b", "c"], [["1", "2", "3"], ["4", "5", "ʤ"]]),
            ("mac_newlines.csv", list("abc"), [["1", "2", "3"], ["Once upon\ra time", "5", "6"]]),
            ("test_header_newline.csv", ["start end", "b", "c"], [["d", "e", "f"]]),
            ("optional_quote_characters.csv", ["a", "b", "c"], [["1", "2", "3"]]),
            ("test_skip_lines.csv", ["a", "b", "c"], [["1", "2", "3"]]),
            ("test_locale.csv", ["a", "b", "c"], [["1,7", "200.000.000", ""]]),
            ("no_header_row.csv", ["column1", "column2", "column3"], [["1", "2", "3"]]),
            ("sniff_limit.csv", ["a", "b", "c"], [["1", "2", "3"]]),
            ("dummy.tsv", ["a", "b", "c"], [["1", "2", "3"]]),
            ("dummy.csv.gz", ["a", "b", "c"], [["1", "2", "3"]]),
            ("dummy.csv.bz2", ["a", "b", "c"], [["1", "2", "3"]]),
        ],
    )  # fmt: skip
    def test_csvkit_read(self, shared_data, name, names, expected):
        table = read_table(shared_data(f"odd-files/csvkit/{name}"))
        assert table.names == names
        assert rows(table) == expected

    def test_adult(self, shared_data):
        table = read_table(shared_data("adult/adult.data.gz"))
        assert len(table) == 32_561
        assert table.names[-1] == "column15"
        assert table["column2"].missing.sum() == 1836
        assert table["column15"].categories()[0] == ["<=50K", ">50K"]
        with pytest.raises(DataError, match=r"row 2: 15 cells .* skip_rows=1"):
            read_table(shared_data("adult/adult.test.gz"))
        test = read_table(shared_data("adult/adult.test.gz"), skip_rows=1)
        assert len(test) == 16_281
        assert test.lines[0] == 2

    def test_wine_and_housing(self, shared_data):
        wine = read_table(shared_data("wine-quality/winequality-white.csv"))
        assert len(wine) == 4898
        assert len(wine.names) == 12
        housing = read_table(shared_data("california-housing/housing.csv.gz"))
        assert housing["total_bedrooms"].missing.sum() == 191
        assert len(housing["ocean_proximity"].categories()[0]) == 5


@pytest.mark.parametrize("kind", ["plain", "quoted", "gzip", "xz"])
def test_mutated_files_are_read_or_refused(write, kind):
    text = b'name,x,"note, long"\nAda,1.5,"a ""b""\nc"\nAlan,NA,d\n' + b"Kurt,-3e4,\xc3\xa9\n" * 20
    seed = {"plain": b"a;b\n1;2\n" * 9, "quoted": text}.get(kind)
    if seed is None:
        seed = gzip.compress(text, mtime=0) if kind == "gzip" else lzma.compress(text)
    rng = np.random.default_rng(20)
    hot = np.frombuffer(b'"\n\r,;\t\0\xff\xef 0', np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = set()
    for _ in range(500):
        data = bytearray(seed)
        for _ in range(rng.integers(1, 6)):
            place, what = int(rng.integers(len(data))), rng.integers(4)
            if what == 0:
                data[place] = rng.integers(256)
            elif what == 1:
                data[place] = rng.choice(hot)
            elif what == 2:
                del data[place : place + int(rng.integers(1, 20))]
            else:
                data[place:place] = data[: int(rng.integers(1, 20))]
            if not data:
                break
        start = time.process_time()
        try:
            table = read_table(write(bytes(data)))
            outcomes.add("read")
            assert all(len(table[name]) == len(table) > 0 for name in table.names)
        except DataError as error:
            outcomes.add("refused" if "\n" not in str(error) else str(error))
        assert time.process_time() - start < 5
    assert outcomes <= {"read", "refused"}
    assert "refused" in outcomes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024
