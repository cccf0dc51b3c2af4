# Sourced by the test scripts: an engine (LIDB_EMBED, LIDB_EMBED_BIN) and a virtual environment with pytest.
export PYTHONPATH="$ROOT"

if [ ! -f "${LIDB_EMBED:-}" ]; then
  cmake -S "$ROOT" -B "$ROOT/build/smoke" -DCMAKE_BUILD_TYPE=Release >/dev/null
  cmake --build "$ROOT/build/smoke" --target lidb_embed -j >/dev/null
  export LIDB_EMBED="$ROOT/build/smoke/lidb_embed"
fi
export LIDB_EMBED_BIN="${LIDB_EMBED_BIN:-$LIDB_EMBED}"

[ -d "$ROOT/.venv" ] || python3 -m venv "$ROOT/.venv"
. "$ROOT/.venv/bin/activate"
python -m pip install -q --disable-pip-version-check pytest
