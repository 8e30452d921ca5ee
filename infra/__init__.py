"""Takes a stage to an AWS account, and away again: `make deploy STAGE=dev`, `make destroy STAGE=dev`."""
