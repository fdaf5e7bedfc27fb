"""What a study came to: summary, patch, report.html."""
