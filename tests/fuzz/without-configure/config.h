/* Instead of the config.h that configure makes: the fuzz targets need nothing of it. */
