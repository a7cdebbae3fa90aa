from deploy.local.commands import app

app()
