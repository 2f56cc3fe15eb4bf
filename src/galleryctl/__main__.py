import sys

from galleryctl.cli import main

sys.exit(main())
