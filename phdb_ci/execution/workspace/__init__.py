"""A job's own directory.

environment.py   which variables a job gets, and its Python environment
make.py          its folders, checkouts and artifacts
observe.py       what is true of it before and after the job's commands
watch.py         whether a report is overwritten while they run
"""
