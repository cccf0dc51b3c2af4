"""GitHub, for the second stage: find the run, fetch its verdict, publish it. The only part that imports PyGithub.

What a run left behind is hostile: it is bounded, validated and compared with what the API says of that run. Nothing
here knows how a verdict comes to be or how it is worded.
"""
