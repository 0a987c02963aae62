# The job class of program.rb is there already; the gem wants a file to load.
