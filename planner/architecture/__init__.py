"""What a model is made of: config.json, safetensors or GGUF header -> one ModelArchitecture."""
