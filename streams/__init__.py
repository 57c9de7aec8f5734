"""The engine: keyed folds over one inbox, exactly once. It knows nothing of social media or CRM."""
