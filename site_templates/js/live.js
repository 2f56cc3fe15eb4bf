/* Only in a gallery that is being served by `galleryctl serve`: reload when it was built again. */
new EventSource('/_live').onmessage = () => location.reload();
