_MISSING_NUMBERS = pa.array(
    ["", "-", "--", "N/A", "n/a", "NA", "NULL", "Null", "null", "None", "none", "NaN", "nan", "NAN"]
)
_EXACT_IN_FLOAT = 2**53
_CANDIDATES = (
    pa.int64(),
    pa.uint64(),
    pa.float64(),
    pa.bool_(),
    pa.date32(),
    pa.timestamp("us"),
)
# What a column that has been of one type so far may become when a later value does not fit.
_WIDER: dict[pa.DataType, tuple[pa.DataType, ...]] = {
    pa.int64(): (pa.uint64(), pa.float64()),
    pa.date32(): (pa.timestamp("us"),),
}


@dataclass
class _ColumnGuess:
    """The type of a column as far as it has been read; None where no value was met."""

    type: pa.DataType | None = None
    largest: int = 0
    has_words: bool = False
    kept_as_text: bool = False

    @property
    def settled(self) -> pa.DataType:
        if self.type is None:
            return pa.float64() if self.has_words else pa.string()
        return self.type

    def take(self, values: pa.Array) -> None:
        """Widen the type until every value fits."""
        if self.type == pa.string() or values.null_count == len(values):
            return
        tries = _CANDIDATES if self.type is None else (self.type, *_WIDER.get(self.type, ()))
        for kind in tries:
            # A failing cast is slow, as it words an error for every value: try a few first.
            if _convert(values[:50], kind) is None:
                continue
            converted = _convert(values, kind)
            if converted is None:
                continue
            if converted.null_count == len(converted):
                self.has_words = True
                return
            if pa.types.is_integer(kind):
                ends = pc.min_max(converted).as_py()
                if kind == pa.uint64() and self.type == pa.int64() and self.largest < 0:
                    continue
                self.largest = _larger(self.largest, ends)
            elif pa.types.is_floating(kind) and self._loses_digits(values, converted):
                self.kept_as_text = True
                break
            self.type = kind
            return
        self.type = pa.string()

    def _loses_digits(self, values: pa.Array, converted: pa.Array) -> bool:
        if abs(self.largest) > _EXACT_IN_FLOAT:
            return True
        size = pc.max(pc.abs(converted)).as_py()
        if size is None or size < _EXACT_IN_FLOAT:
            return False
        return bool(pc.any(pc.match_substring_regex(values, r"^\s*[+-]?\d{16,}\s*$")).as_py())


def _larger(so_far: int, ends: dict[str, int]) -> int:
    """Keep the value of largest size; a negative one always stays known as negative."""
    low, high = ends["min"], ends["max"]
    size = max(abs(so_far), abs(low), abs(high))
    return -size if so_far < 0 or low < 0 else size


def _infer(path: Path, layout: _Layout) -> tuple[list[_ColumnGuess], int]:
    guesses = [_ColumnGuess() for _ in layout.names]
    n_rows = 0
    for batch in _stream(path, layout):
        n_rows += batch.num_rows
        for guess, values in zip(guesses, batch.columns, strict=True):
            guess.take(values)
    return guesses, n_rows


def _settle(values: pa.Array, column: _ColumnGuess) -> pa.Array | None:
    if column.type is None:
        return pa.nulls(len(values))
    return _convert(values, column.type)


def _convert(values: pa.Array, wanted: pa.DataType) -> pa.Array | None:
    """Read texts as values of a type; None where one does not fit."""
    if pa.types.is_string(wanted):
        return pc.utf8_trim_whitespace(values)
    try:
        return values.cast(wanted)
    except pa.ArrowInvalid:
        pass
    trimmed = pc.utf8_trim_whitespace(values)
    missing = pc.is_in(trimmed, _MISSING_NUMBERS)
    plain = pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)
    try:
        return plain.cast(wanted)
    except pa.ArrowInvalid:
        pass
    if not (pa.types.is_integer(wanted) and pc.any(pc.starts_with(plain, "+")).as_py()):
        return None
    try:
        return pc.replace_substring_regex(plain, r"^\+", "").cast(wanted)
    except pa.ArrowInvalid:
        return None
