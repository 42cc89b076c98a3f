"""Outside: the command line, the gateway, the simulator, the embedded database and broker."""
