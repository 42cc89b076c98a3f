"""Door one: messages in, receipts out, then the tick that recomputes what became dirty."""
