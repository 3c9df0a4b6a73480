"""Tables of signing in: devices, sessions, factors, codes. Secrets lie here sealed or hashed, never as they are."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from yishe.trust import ids


class Device(models.Model):
    """A browser on a machine, known again by a cookie only it holds."""

    id = models.UUIDField(primary_key=True, default=ids.random)
    name = models.CharField(max_length=80, help_text="browser and system, as the machine said")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField()


class Session(models.Model):
    """One sign-in on one device, found by the SHA-256 of its cookie; or a visitor who has not said who he is."""

    id = models.UUIDField(primary_key=True, default=ids.new)
    digest = models.BinaryField(max_length=32, unique=True)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    device = models.ForeignKey(Device, models.SET_NULL, null=True)
    data = models.TextField(default="")
    way = models.CharField(max_length=24, default="")
    source = models.CharField(max_length=64, default="")
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    proved_at = models.DateTimeField(help_text="when the person last proved who he is")
    strong_at = models.DateTimeField(null=True, help_text="when a second factor was given")
    ends_at = models.DateTimeField(db_index=True)
    locked_at = models.DateTimeField(null=True)
    shared = models.BooleanField(default=False, help_text="on a device that several people use in turns")
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=24, default="")

    class Meta:
        indexes = [
            models.Index(fields=["account"], condition=Q(ended_at=None), name="trust_session_living"),
        ]


class SharedDevice(models.Model):
    """A device that several people use in turns, each with a PIN of his own. `home` is the centre it belongs to."""

    device = models.OneToOneField(Device, models.CASCADE, primary_key=True)
    home = models.UUIDField()
    name = models.CharField(max_length=40)
    by = models.UUIDField(help_text="the account that enrolled it")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class Pin(models.Model):
    """What opens one device for one person, for a while after he last proved himself on it in full."""

    id = models.UUIDField(primary_key=True, default=ids.random)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    device = models.ForeignKey(Device, models.CASCADE)
    hashed = models.CharField(max_length=256)
    wrong = models.PositiveSmallIntegerField(default=0, help_text="wrong tries since the last right one")
    set_at = models.DateTimeField()
    proved_at = models.DateTimeField(help_text="when the password or a passkey was last given on this device")
    strong_at = models.DateTimeField(null=True, help_text="when a second factor was")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "device"], name="trust_pin_one")]


class Draft(models.Model):
    """What someone was writing when he gave a shared device to the next: sealed, for him alone, on this device."""

    id = models.UUIDField(primary_key=True, default=ids.random)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    device = models.ForeignKey(Device, models.CASCADE)
    sealed = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "device"], name="trust_draft_one")]


class Totp(models.Model):
    """An authenticator app. `last_step` is the thirty-second step of the last code taken: none counts twice."""

    id = models.UUIDField(primary_key=True, default=ids.new)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    secret_sealed = models.BinaryField(max_length=80)
    last_step = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(confirmed_at__isnull=False), name="trust_totp_one"
            ),
        ]


class Passkey(models.Model):
    """A WebAuthn credential. `suspect_at`: its counter went back, so there are two of it."""

    id = models.UUIDField(primary_key=True, default=ids.new)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    handle = models.BinaryField(max_length=1023, unique=True, help_text="credential id")
    credential = models.BinaryField(help_text="attested credential data, with the public key")
    counter = models.BigIntegerField(default=0)
    label = models.CharField(max_length=40)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    suspect_at = models.DateTimeField(null=True)


class RecoveryCode(models.Model):
    """For the day the phone is lost; each opens once."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    digest = models.BinaryField(max_length=32)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "digest"], name="trust_recovery_once"),
        ]


class Challenge(models.Model):
    """What a passkey is asked to sign: for one use, once, for a few minutes."""

    id = models.UUIDField(primary_key=True, default=ids.random)
    use = models.CharField(max_length=12)
    account = models.UUIDField(null=True)
    challenge = models.BinaryField(max_length=64)
    ends_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)


class OneTimeCode(models.Model):
    """A code by which a resident or a relative comes in, once. `digest` is empty until it was made, and stays so for a
    number that nobody knows. `person` is whom a slip is for, or the relative who asked; the number lies sealed."""

    id = models.UUIDField(primary_key=True, default=ids.random)
    way = models.CharField(max_length=8, help_text="code | slip")
    person = models.UUIDField(null=True)
    phone_blind = models.BinaryField(max_length=16, null=True, help_text="HMAC of the number that asked")
    phone_sealed = models.BinaryField(null=True)
    digest = models.BinaryField(max_length=32, null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    proved_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["phone_blind", "asked_at"], name="trust_code_phone"),
            models.Index(fields=["digest"], name="trust_code_digest"),
        ]


class SignInEvent(models.Model):
    """What happened at the door: who came in which way, who was refused, which key was added. Insert-only."""

    insert_only = True

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    account = models.UUIDField(null=True)
    kind = models.CharField(max_length=24)
    way = models.CharField(max_length=24, default="")
    device = models.UUIDField(null=True)
    source = models.CharField(max_length=64, default="")
    by = models.UUIDField(null=True, help_text="the account that did it, when it was not his own")

    class Meta:
        indexes = [
            models.Index(fields=["account", "at"], name="trust_sign_in_account"),
            models.Index(fields=["at", "id"], name="trust_sign_in_at"),
        ]
