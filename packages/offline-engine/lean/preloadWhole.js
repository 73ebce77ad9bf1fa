require("./prepare.js").prepare({ slimSdk: false });
