# Tasks: what they are, their life, and how they are told of the worker count.
