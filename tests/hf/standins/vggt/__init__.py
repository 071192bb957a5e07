"""A small stand-in for the package vggt (github.com/facebookresearch/vggt), which no index that is reached here has.

Names, arguments, shapes and conventions are the package's as of May 2026; the inside is two layers of our own:

- ``models.vggt.VGGT(img_size, patch_size, embed_dim, enable_...)``, on the Hub by ``PyTorchModelHubMixin``;
- ``aggregator(images)``: (B, S, 3, H, W) in [0, 1] to a list with an entry per layer, of which those that no head reads
  may be None and the last is (B, S, 1 + registers + patches, 2 * embed_dim), and where patches begin;
- ``camera_head(tokens)``: a list with an entry per refinement, (B, S, 9): t, quaternion (scalar last), two angles;
- ``utils.pose_enc.pose_encoding_to_extri_intri``: R and t take the world to the camera, x right, y down, z forward.
"""
