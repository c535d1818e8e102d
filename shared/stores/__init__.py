"""What is kept outside the process: timelines, artefacts, releases, audit, lake. Edge."""
