#!/usr/bin/env bash
# The same words for a recurrent layer make another layer in TensorFlow.js than in Keras 3, and Keras's default GRU
# cannot be made in TensorFlow.js at all.
#
# Guess: LayersModel JSON is one format, so an LSTM or GRU whose optional fields are left out is the same in both.
# Met: recurrent_activation is "sigmoid" in Keras 3 where it is left out, and "hardSigmoid" in TensorFlow.js: a piecewise
# linear function, other numbers from the same weights, and no error. reset_after of a GRU is true there and false here,
# and true is refused. Write both fields out, and keep reset_after false where a model has to load in TensorFlow.js.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-layers@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0
python3 -m venv venv
./venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 jaxlib==0.10.2

cat > run.cjs <<'JS'
require('@tensorflow/tfjs-backend-cpu')
const layers = require('@tensorflow/tfjs-layers')
const { version } = require('@tensorflow/tfjs-layers/package.json')
const of = (layer) => layer.getConfig().recurrentActivation
let refusal = 'taken'
try {
  layers.layers.gru({ units: 2, resetAfter: true })
} catch (err) {
  refusal = `refused: ${err.message}`
}
const [lstm, gru] = [layers.layers.lstm({ units: 2 }), layers.layers.gru({ units: 2 })]
console.log(`@tensorflow/tfjs-layers ${version}: recurrent_activation of an LSTM ${of(lstm)}, of a GRU ${of(gru)}; reset_after left out: ${gru.getConfig().resetAfter}; reset_after true: ${refusal}`)
JS
cat > run.py <<'PY'
import os
os.environ["KERAS_BACKEND"] = "jax"
import keras
lstm, gru = keras.layers.LSTM(2), keras.layers.GRU(2)
of = lambda layer: layer.get_config()["recurrent_activation"]
print(f"keras {keras.__version__}: recurrent_activation of an LSTM {of(lstm)}, of a GRU {of(gru)}; reset_after left out: {gru.get_config()['reset_after']}")
PY
tfjs=$(node run.cjs)
keras=$(./venv/bin/python run.py 2> /dev/null)
echo "$tfjs"
echo "$keras"
fail() { echo "changed: $1" >&2; exit 1; }
grep -q 'LSTM hardSigmoid, of a GRU hardSigmoid; reset_after left out: false; reset_after true: refused' <<< "$tfjs" || fail 'what TensorFlow.js takes for granted'
grep -q 'LSTM sigmoid, of a GRU sigmoid; reset_after left out: True' <<< "$keras" || fail 'what Keras takes for granted'
