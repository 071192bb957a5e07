"""Skeletons for tracks (protocol ``backends.Pose``): one file each."""
