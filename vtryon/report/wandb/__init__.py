"""Reports on wandb: tables, workspace, and a report for each published table."""
