"""The SDK: clients and streams, asynchronous and synchronous."""
