// In place of the client Azurite would tell Microsoft of its use with, had it not been started with `--disableTelemetry`:
// three thousand files of other people's packages, which are more than half of its start.
module.exports = {};
