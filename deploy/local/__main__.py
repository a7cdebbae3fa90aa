from deploy.local.cli.commands import app

app()
