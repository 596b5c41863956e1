// GuestImages
