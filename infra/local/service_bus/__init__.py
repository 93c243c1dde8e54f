"""Stands in for Azure Service Bus on one machine: a small AMQP 1.0 broker, in memory, for the Azure SDK."""
