"""DICOM Upper Layer, DIMSE and services; knows nothing of `pool`."""
