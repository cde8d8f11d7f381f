"""Run exported models without a deep-learning framework."""
