from services.notifier.app import run

if __name__ == "__main__":
    run()
