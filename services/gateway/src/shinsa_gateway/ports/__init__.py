"""What the gateway needs of the services behind it. Every method raises ``ShinsaError`` where it cannot answer."""
