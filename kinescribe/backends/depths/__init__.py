"""How near each pixel is to the camera (protocol ``backends.DepthFinder``): one file each."""
