"""The app in a browser: photos in, what several networks make of them side by side."""
